//! The project's own commands. They need cargo, a C compiler and Python 3.9 or newer with `venv`. All other Python
//! packages are installed into `.venv` at the root of the repository.

mod bench;
mod demo;
mod develop;
mod fuzz;
mod guide;
mod lint;
mod new;
mod outside;
mod python;
mod run;
mod test;
mod workspace;

use std::path::PathBuf;
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
    /// Build the matrix example and show numpy using Rust's memory
    Demo,
    /// Create `.venv`, build the examples and install them there
    Develop,
    /// Write a crate that exports a class, ready to build and to test, into a new folder outside this repository
    New {
        /// The folder, whose name becomes the crate's
        path: PathBuf,
    },
    /// Run the tests that a contributor needs, all other tests, or the named ones
    #[command(after_help = test::help())]
    Test {
        /// Names of steps, or paths of files with tests, such as `tests/python/test_lock.py`,
        /// `tests/ui/shape_two_inferred.rs` or `buffer-runtime/src/request.rs`
        what: Vec<String>,
        /// Run only tests whose names contain this
        #[arg(short = 'k', value_name = "NAME")]
        name: Option<String>,
        /// Run the steps that a plain `cargo xtask test` does not run
        #[arg(long, conflicts_with = "what")]
        rest: bool,
    },
    /// Check formatting, clippy, the documentation and the Python files
    Lint,
    /// Build the guide, which is in `docs/guide`; needs mdbook
    Guide {
        /// Serve it to a browser, and build it again after every change
        #[arg(long)]
        serve: bool,
    },
    /// Run the fuzz targets: random formats, exporters and requests against the runtime; needs cargo-fuzz
    Fuzz {
        /// How many seconds each target runs
        #[arg(long, default_value_t = 30)]
        seconds: u32,
    },
    /// Compare what a buffer request and its release cost with other exporters, and draw table and chart
    Bench {
        /// Arguments for `bench/run.py`, such as `--quick` or `--draw`; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let done = Workspace::find().and_then(|workspace| match command {
        Command::Demo => demo::run(&workspace),
        Command::Develop => develop::run(&workspace),
        Command::New { path } => new::run(&workspace, &path),
        Command::Test { what, name, rest } => test::run(&workspace, &what, name.as_deref(), rest),
        Command::Lint => lint::run(&workspace),
        Command::Guide { serve } => guide::run(&workspace, serve),
        Command::Fuzz { seconds } => fuzz::run(&workspace, seconds),
        Command::Bench { arguments } => bench::run(&workspace, &arguments),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // `{:#}` puts the causes on one line; a backtrace of this program would not help the user.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
