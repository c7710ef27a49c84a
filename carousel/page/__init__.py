"""`carousel page`: a page on which a person opens and shuts the doors of the real gateware."""
