//! The locks of a browser, as the shell uses them: one exclusive lock for each session and organization, a line
//! of tabs that wait for it, and a second lock that lets one tab at a time take the first away.

use clerk_bridge::core::identity::Name;
use std::collections::VecDeque;

/// Which lock.
pub type Line = (Name, Name);

/// So long nobody else takes the lock away.
const STEAL: i64 = 1_000;

/// One lock.
#[derive(Debug)]
struct Lock {
    line: Line,
    holder: Option<usize>,
    waiting: VecDeque<usize>,
    stolen_until: i64,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Locks(Vec<Lock>);

/// What a tab is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The lock is its own.
    Granted(usize),
    /// It was taken away.
    Stolen(usize),
}

impl Locks {
    fn lock(&mut self, line: Line) -> &mut Lock {
        let index = self.0.iter().position(|lock| lock.line == line).unwrap_or_else(|| {
            self.0.push(Lock { line, holder: None, waiting: VecDeque::new(), stolen_until: 0 });
            self.0.len() - 1
        });
        &mut self.0[index]
    }

    /// The tab lets go of this lock, or of its place in line.
    pub fn leave(&mut self, line: Line, tab: usize) -> Option<Told> {
        let lock = self.lock(line);
        lock.waiting.retain(|one| *one != tab);
        if lock.holder != Some(tab) {
            return None;
        }
        lock.holder = lock.waiting.pop_front();
        lock.holder.map(Told::Granted)
    }

    /// The tab stands in line.
    pub fn wait(&mut self, line: Line, tab: usize) -> Option<Told> {
        let lock = self.lock(line);
        if lock.holder.is_none() {
            lock.holder = Some(tab);
            return Some(Told::Granted(tab));
        }
        lock.waiting.push_back(tab);
        None
    }

    /// The tab takes the lock away, unless another one just did: then it stands in line.
    pub fn steal(&mut self, line: Line, tab: usize, now: i64) -> Vec<Told> {
        let lock = self.lock(line);
        if now < lock.stolen_until {
            return self.wait(line, tab).into_iter().collect();
        }
        lock.stolen_until = now + STEAL;
        let robbed = lock.holder.replace(tab).map(Told::Stolen);
        robbed.into_iter().chain([Told::Granted(tab)]).collect()
    }

    /// Who holds the lock that most tabs wait for.
    pub fn leader(&self) -> Option<usize> {
        self.0.iter().filter(|lock| lock.holder.is_some()).max_by_key(|lock| lock.waiting.len())?.holder
    }
}
