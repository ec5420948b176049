//! The benchmark of the runtime; see the library of this package.

fn main() -> anyhow::Result<()> {
    jovian_bench_runtime::main()
}
