//! The same program with an allocator that notes who allocates. Only what it counts is of use, not how long anything takes.

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> anyhow::Result<()> {
    jovian_bench_runtime::main()
}
