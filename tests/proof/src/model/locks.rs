//! The browser's locks, one for each session and organization: who holds one, who stands in line, and taking one
//! away. As `pkg-template/src/shell/tabs.ts` asks for them.

use clerk_bridge::core::identity::Name;

/// What a lock is for: a session and an organization.
pub type Line = (Name, Name);
/// That a tab has a lock from now on, or that it was taken away.
pub type News = (usize, Line, bool);

/// So long nobody else takes a lock away that was taken.
const STEAL_MS: i64 = 1_000;

#[derive(Clone, Debug)]
struct Lock {
    line: Line,
    holder: Option<usize>,
    queue: Vec<usize>,
    /// Nobody else takes it away before.
    stolen_until: i64,
}

/// All locks of one browser.
#[derive(Clone, Debug, Default)]
pub struct Locks(Vec<Lock>);

impl Locks {
    /// This tab gives up what it has and stands in line for.
    pub fn leave(&mut self, tab: usize) -> Vec<News> {
        let mut news = Vec::new();
        for lock in &mut self.0 {
            lock.queue.retain(|waiting| *waiting != tab);
            if lock.holder == Some(tab) {
                lock.holder = None;
                lock.grant(&mut news);
            }
        }
        news
    }

    /// This tab stands in line for this lock, or with `steal` takes it, in place of any other.
    pub fn claim(&mut self, tab: usize, line: Line, steal: bool, now: i64) -> Vec<News> {
        let mut news = self.leave(tab);
        if line.0 == Name::NONE {
            return news;
        }
        let index = self.0.iter().position(|lock| lock.line == line).unwrap_or_else(|| {
            self.0.push(Lock { line, holder: None, queue: Vec::new(), stolen_until: i64::MIN });
            self.0.len() - 1
        });
        let lock = &mut self.0[index];
        if steal && lock.stolen_until <= now {
            lock.stolen_until = now + STEAL_MS;
            news.extend(lock.holder.map(|robbed| (robbed, line, false)));
            lock.holder = Some(tab);
            news.push((tab, line, true));
        } else {
            lock.queue.push(tab);
            lock.grant(&mut news);
        }
        news
    }

    /// What is the same later is to look the same.
    pub fn forget(&mut self, now: i64) {
        for lock in &mut self.0 {
            if lock.stolen_until <= now {
                lock.stolen_until = i64::MIN;
            }
        }
        self.0.retain(|lock| lock.holder.is_some() || lock.stolen_until > now);
        self.0.sort_by_key(|lock| lock.line);
    }
}

impl Lock {
    fn grant(&mut self, news: &mut Vec<News>) {
        if self.holder.is_none() && !self.queue.is_empty() {
            let tab = self.queue.remove(0);
            self.holder = Some(tab);
            news.push((tab, self.line, true));
        }
    }
}
