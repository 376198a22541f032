"""A collaborative workspace backend. Start reading at app.py; the URL table is routes.py."""

__version__ = "0.1.0"
