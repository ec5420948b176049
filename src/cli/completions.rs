//! `jovian completions`: what a shell has to know to complete our commands.

use std::io::{self, Write as _};

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Outcome;
use crate::diag::Diagnostics;

/// Print the completions for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  source <(jovian completions bash)                                       this session of bash
  jovian completions bash > ~/.local/share/bash-completion/completions/jovian
  jovian completions zsh > ~/.zfunc/_jovian                               with ~/.zfunc in fpath
  jovian completions fish > ~/.config/fish/completions/jovian.fish
  jovian completions powershell >> $PROFILE")]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(arguments: Arguments) -> Result<Outcome, Diagnostics> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "jovian", &mut script);
    let _nobody_listens = io::stdout().write_all(&script);
    Ok(Outcome::Fine)
}
