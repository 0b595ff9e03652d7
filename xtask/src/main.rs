//! The project's own commands. They need cargo, a C compiler and Python 3.9 or newer with `venv`; everything else
//! that is Python's comes from pip into `.venv` at the root of the repository.

mod bench;
mod demo;
mod develop;
mod fuzz;
mod lint;
mod python;
mod run;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The project's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the matrix and watch numpy use Rust's memory
    Demo,
    /// Make `.venv` and build the examples into it
    Develop,
    /// Run the tests that a contributor needs, the rest of them, or those that are named
    #[command(after_help = test::help())]
    Test {
        /// Steps, or files with tests, such as `tests/python/test_lock.py`, `tests/ui/shape_two_inferred.rs` or
        /// `buffer-runtime/src/request.rs`
        what: Vec<String>,
        /// Only tests with this in their names
        #[arg(short = 'k', value_name = "NAME")]
        name: Option<String>,
        /// What a plain `cargo xtask test` leaves out
        #[arg(long, conflicts_with = "what")]
        rest: bool,
    },
    /// Check formatting, clippy, the documentation and the Python files
    Lint,
    /// Feed formats, claims of exporters and requests that nobody thought of to the runtime, where cargo-fuzz is installed
    Fuzz {
        /// How long each target runs
        #[arg(long, default_value_t = 30)]
        seconds: u32,
    },
    /// Compare a get + release pair with its peers
    Bench {
        /// Passed on to `bench/run.py`, such as `--quick`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let done = Workspace::find().and_then(|workspace| match command {
        Command::Demo => demo::run(&workspace),
        Command::Develop => develop::run(&workspace),
        Command::Test { what, name, rest } => test::run(&workspace, &what, name.as_deref(), rest),
        Command::Lint => lint::run(&workspace),
        Command::Fuzz { seconds } => fuzz::run(&workspace, seconds),
        Command::Bench { arguments } => bench::run(&workspace, &arguments),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // `{:#}` puts the causes on one line; a backtrace of this program would help nobody.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
