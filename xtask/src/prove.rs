//! The long run of the proofs: the model, the simulation, the mutants, and what the machine costs.
//! What is proved, and how, stands in `tests/proof`; `cargo xtask test` runs a short version of it.

use crate::Outcome;
use crate::command::{cargo, run};
use crate::paths::Paths;
use crate::progress::step;

/// Run all of them. `--seed N` alone runs that one world again and says what happens in it; `--days N` is how long the
/// simulation goes on, in virtual days.
pub fn prove(paths: &Paths, arguments: &[String]) -> Outcome {
    let proof = |name: &str| {
        let mut command = cargo(&paths.root);
        command.args(["run", "--profile", "proof", "--package", "clerk-bridge-proof", "--bin", name, "--"]);
        command
    };
    let again = arguments.iter().any(|one| one == "--seed") && !arguments.iter().any(|one| one == "--days");
    if again {
        return run(proof("prove").args(arguments));
    }
    step("model", || run(&mut proof("model")))?;
    step("simulation", || run(proof("prove").args(arguments)))?;
    step("mutants", || run(&mut proof("mutants")))?;
    step("what the machine costs", || run(&mut proof("measure")))
}
