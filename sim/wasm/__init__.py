"""The core as WebAssembly: its own Verilog, compiled to run in a browser."""
