"""Models that take part in a conversion."""

from __future__ import annotations

import subprocess
import sys

from safebench.testing.server import chat
from tests.fixture_types import Serve

ASKS = """
import sys
from converters.roles import Role, RoleOptions
from safebench.types import Text
print(Role("critic", RoleOptions(model="openai:m", base_url=sys.argv[1])).ask((Text("?"),), {}, str))
"""


def test_a_role_leaves_no_connection_to_complain_about(
    serve: Serve,
) -> None:
    server = serve(lambda call: chat("Yes."))
    done = subprocess.run([sys.executable, "-c", ASKS, server.url], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("Yes.\n", "")
