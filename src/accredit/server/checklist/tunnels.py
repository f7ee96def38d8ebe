"""Names of services that show a machine of a developer to the world: none belongs on the list of a site that is live."""

TUNNEL_HOSTS = frozenset({
    *("ngrok.io", "ngrok.app", "ngrok.dev", "ngrok-free.app", "ngrok-free.dev", "trycloudflare.com", "loca.lt", "localtunnel.me"),
    *("serveo.net", "localhost.run", "lhr.life", "bore.pub", "tunnelto.dev", "devtunnels.ms", "app.github.dev", "gitpod.io"),
    *("pagekite.me", "pinggy.link", "zrok.io", "webhook.site"),
})  # fmt: skip


def is_tunnel(host: str) -> bool:
    """Whether a host, in lower case, is a tunnel's or below one."""
    labels = host.split(".")
    return any(".".join(labels[start:]) in TUNNEL_HOSTS for start in range(len(labels)))
