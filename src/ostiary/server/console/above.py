"""Who looks after the deployment is above the administrators of a tenant, in that very tenant as well.

1. Whoever could make a passkey for such a person, or begin anew as it, would be it: then an owner of one tenant would
   act for every other one.
2. What such a person is in the console, others who look after the deployment change.
"""

from typing import Final

from ostiary.errors import RefusedError
from ostiary.server.admins import EVERY_TENANT, Administrator
from ostiary.server.console.people import people_of
from ostiary.server.wiring import House

NOT_DEPLOYMENT: Final = "console_not_deployment"


def check_not_above(house: House, who: Administrator, tenant: str, subject: str) -> None:
    """Refuse an administrator of a tenant what concerns a person who looks after the deployment.

    Raises:
        RefusedError: ``console_not_deployment``.
    """
    known = people_of(house).find(tenant, subject)
    if known is not None and known.deployment and who.tenant != EVERY_TENANT:
        text = "this person looks after every tenant: ask somebody who does so as well"
        raise RefusedError(NOT_DEPLOYMENT, text)
