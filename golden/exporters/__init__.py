"""`golden.Network` in the files of other frameworks; loaded only when one is written.

A writer says what the network computes and refuses, by name, whatever the format cannot say. The
rounding of numbers to the format's own type is measured and told.
"""
