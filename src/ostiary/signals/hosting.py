"""Autonomous systems that rent machines out: an address in one of them is a server, not somebody's desk.

A short list of the largest, from the registries' public records; a MaxMind-format file that tells kinds of networks
knows more and wins. Cloud users behind a company's own gateway show up here too, so it is evidence and never a rule.
"""

from typing import Final

_AMAZON: Final = (14618, 16509)
_MICROSOFT: Final = (8075,)
_GOOGLE_CLOUD: Final = (396982,)
_ORACLE: Final = (31898,)
_IBM: Final = (36351,)
_ALIBABA: Final = (37963, 45102)
_TENCENT: Final = (45090, 132203)
_DIGITAL_OCEAN: Final = (14061,)
_OVH: Final = (16276,)
_HETZNER: Final = (24940, 213230)
_LINODE: Final = (63949,)
_VULTR: Final = (20473,)
_SCALEWAY: Final = (12876,)
_CONTABO: Final = (51167,)
_LEASEWEB: Final = (28753, 60781)
_M247: Final = (9009,)
_RACKSPACE: Final = (33070,)
_IONOS: Final = (8560,)

HOSTING: Final[frozenset[int]] = frozenset(
    _AMAZON + _MICROSOFT + _GOOGLE_CLOUD + _ORACLE + _IBM + _ALIBABA + _TENCENT + _DIGITAL_OCEAN + _OVH + _HETZNER
    + _LINODE + _VULTR + _SCALEWAY + _CONTABO + _LEASEWEB + _M247 + _RACKSPACE + _IONOS
)  # fmt: skip
