//! The command line of the chores; what they are is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::main()
}
