"""``ostiary serve``: one worker in this process, for replicas that something else supervises."""

import os
import sys
from typing import Annotated

from cyclopts import Parameter

from ostiary.cli.output import out
from ostiary.cli.places import Config, Data, settings_of
from ostiary.cli.relaunch import with_engine_environment


def command(
    *,
    data: Data = None,
    config: Config = None,
    host: Annotated[str | None, Parameter(help="Address to listen on.")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Serve with one worker and no supervisor; exits with 75 when it must be started again."""
    values = {"server": {k: v for k, v in (("host", host), ("port", port)) if v is not None}}
    with_engine_environment()
    # Not before: what the command leaves for its second start need not be imported in the first.
    from ostiary.cli.verbs.up import listen  # noqa: PLC0415
    from ostiary.server.addresses import local_url  # noqa: PLC0415
    from ostiary.server.places import data_dir  # noqa: PLC0415
    from ostiary.server.worker import Options, serve  # noqa: PLC0415

    listener = listen(settings_of(data, config, values).settings)
    values["server"]["port"] = listener.getsockname()[1]
    url = local_url(settings_of(data, config, values).settings.server)
    options = Options(str(data_dir(data)), str(config) if config else "", values)
    code = serve(
        options,
        listener,
        on_ready=lambda: _say(url),
        on_stuck=lambda: os.kill(os.getpid(), 15),
    )
    sys.stdout.flush()
    sys.stderr.flush()
    # Not `sys.exit`: a thread that is stuck in the policy engine would be waited for.
    os._exit(code)


def _say(url: str) -> None:
    out.print(f"Ostiary serves {url}", markup=False)
    sys.stdout.flush()
