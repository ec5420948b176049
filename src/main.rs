//! The program `jovian`.

fn main() -> std::process::ExitCode {
    jovian::cli::run()
}
