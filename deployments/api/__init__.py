"""The HTTP door: who may ask for what, and how it is answered. ``app.create_app`` makes the application."""
