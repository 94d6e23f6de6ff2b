"""``ostiary connect``: a stock OpenAI client gets through the gateway as the person who signed in.

- It listens on this machine alone; each start makes a new local key, which is worth nothing elsewhere.
- The client is configured by two variables, printed as a shell reads them. With a command, `ostiary connect --url … --
  python app.py`, that command has them set, and the helper ends with it.
"""

import os
import subprocess
import sys
import threading
from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.cli.output import err
from ostiary.cli.signing_in import DEFAULT_LOGIN, Login, login_folder
from ostiary.vocabulary.clock import SystemClock

command = App(name="connect", help="Pass a local OpenAI client's requests on to the gateway, as you.")

PORT: Final = 8182
_DEFAULT_TENANT: Final = "default"


@command.default
def connect(
    *run: Annotated[str, Parameter(allow_leading_hyphen=True, help="A command to run with the variables set.")],
    url: Annotated[str, Parameter(help="The gateway's public address.")],
    port: Annotated[int, Parameter(help="Port on this machine; 0 takes a free one.")] = PORT,
    host: Annotated[str, Parameter(help="Loopback address.")] = "127.0.0.1",
    tenant: Annotated[str, Parameter(help="Tenant.")] = _DEFAULT_TENANT,
    as_: Login = DEFAULT_LOGIN,
) -> None:
    """Serve until interrupted, or until the given command ends."""
    from ostiary.cli.device.talking import check_url  # noqa: PLC0415 - what other verbs do not need
    from ostiary.identity.login.session import SignedIn  # noqa: PLC0415
    from ostiary.identity.login.store import LoginStore  # noqa: PLC0415
    from ostiary.identity.login.talking import HttpTalk  # noqa: PLC0415
    from ostiary.keys import new_secret  # noqa: PLC0415
    from ostiary.server.connect import serving  # noqa: PLC0415
    from ostiary.vocabulary.ids import check_tenant  # noqa: PLC0415

    base = check_url(url)
    prefix = "/v1" if tenant == _DEFAULT_TENANT else f"/llm/{check_tenant(tenant)}/v1"
    identity = SignedIn(LoginStore(login_folder(as_)), HttpTalk(), SystemClock())
    listener, key = serving.listen(host, port), new_secret()
    shown = f"[{host}]" if ":" in host else host
    told = {"OPENAI_BASE_URL": f"http://{shown}:{listener.getsockname()[1]}/v1", "OPENAI_API_KEY": key}
    if run:
        listener.listen()  # the command may be quicker than the helper: its connections wait
        threading.Thread(target=serving.run, args=(listener, base, prefix, key, identity), daemon=True).start()
        sys.exit(_run(run, told))
    for name, value in told.items():
        sys.stdout.write(f"export {name}={value}\n")
    sys.stdout.flush()
    err.print(f"passing requests on to {base}{prefix}; interrupt to end", markup=False)
    serving.run(listener, base, prefix, key, identity)


def _run(command_line: tuple[str, ...], told: dict[str, str]) -> int:
    try:
        return subprocess.run(command_line, env={**os.environ, **told}, check=False).returncode  # noqa: S603 - the user's own command
    except OSError as fault:
        err.print(f"`{command_line[0]}` cannot be run: {fault.strerror}", style="red", markup=False)
        return 127
