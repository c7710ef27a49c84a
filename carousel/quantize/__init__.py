"""`carousel quantize`."""
