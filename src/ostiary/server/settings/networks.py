"""Networks as they are configured."""

from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network
Networks = tuple[Network, ...]
LOOPBACK: Networks = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
