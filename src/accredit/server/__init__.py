"""The Accredit server. `app.py` is where its parts meet; importing `accredit` never imports this."""
