"""Every measurement, one after the other: `python -m bench`."""

from bench import (
    bench_core,
    bench_error,
    bench_learning,
    bench_luts,
    bench_model,
    bench_sim,
    bench_size,
)


def main() -> None:
    for module in (
        bench_error,
        bench_model,
        bench_core,
        bench_sim,
        bench_size,
        bench_luts,
        bench_learning,
    ):
        print(f"\n{(module.__doc__ or '').splitlines()[0]}")
        module.main()


if __name__ == "__main__":
    main()
