"""OpenID Connect: this server as the client of a provider, in general and by the profile of the Finnish trust network."""
