"""The stages of a core, from the sequencer to the states."""
