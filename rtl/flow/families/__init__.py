"""The families of FPGAs that can be built for, a file each."""
