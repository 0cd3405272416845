"""Sign-in for the embedded stack: an OpenID Connect issuer for three made-up people, on loopback only."""
