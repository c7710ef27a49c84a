"""The stages of a core that skips columns: lists, a sequencer that runs over them, kept sums."""
