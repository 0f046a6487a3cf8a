"""The documentation as a site: `make docs` gathers its pages, builds them with Zensical and checks what came out."""
