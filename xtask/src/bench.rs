//! The measurements that docs/performance.md and docs/reliability.md quote, taken on the finished package.
//! It only prepares the ground; what is measured, and how, stands in `benches/`.

use crate::command::{program, run};
use crate::paths::Paths;
use crate::progress::step;
use crate::{Outcome, build, test};

/// Run the benchmarks, or with `reliability` the fault matrix; further arguments are handed on.
pub fn bench(paths: &Paths, arguments: &[String]) -> Outcome {
    let (what, script, arguments) = match arguments {
        [first, rest @ ..] if first == "reliability" => ("fault matrix", "benches/reliability.mjs", rest),
        all => ("benchmarks", "benches/run.mjs", all),
    };
    build::package(paths)?;
    build::local_cloud(paths)?;
    let surroundings = test::surroundings(paths)?;
    step(what, || run(program("node", &paths.root).arg(script).args(arguments).envs(surroundings)))
}
