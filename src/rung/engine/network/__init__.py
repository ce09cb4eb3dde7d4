"""Networks: bridges and pairs of interfaces by netlink, what may pass by nftables, names by a DNS server of our own.

    addresses.py  which subnets and addresses are free             pure
    rules.py      nftables' words                                  pure
    links.py      bridges, interfaces, addresses in the kernel
    firewall.py   rules in the kernel
    ports.py      ports of the host
    files.py      hosts, resolv.conf, hostname                     pure
    dns/          names of containers on user networks
    networks.py   all of it together
"""
