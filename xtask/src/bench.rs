//! The measurements that docs/performance.md quotes, taken on the finished package.
//! It only prepares the ground; what is measured, and how, stands in `benches/`.

use crate::command::{program, run};
use crate::paths::Paths;
use crate::progress::step;
use crate::{Outcome, build, test};

/// Run the benchmarks; the arguments are handed on to them.
pub fn bench(paths: &Paths, arguments: &[String]) -> Outcome {
    build::package(paths)?;
    build::local_cloud(paths)?;
    let surroundings = test::surroundings(paths)?;
    step("benchmarks", || {
        run(program("node", &paths.root).arg("benches/run.mjs").args(arguments).envs(surroundings))
    })
}
