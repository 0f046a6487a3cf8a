"""`python -m safebench`, for an environment whose scripts are not on the PATH."""

from safebench.cli.main import main

if __name__ == "__main__":  # a worker that renders imports it, too
    main()
