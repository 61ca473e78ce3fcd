//! The shell: it turns what happens in a browser into events for the machine, and the machine's effects
//! into browser calls. It takes no decision. No borrow of the machine is ever held while JavaScript runs,
//! since what is called may call back (pitfall of every exported class; see the tests).

mod host;
mod page;
mod shell;
mod source;
mod storage;
mod strings;

pub use shell::Shell;
