//! Who watches an analysis being made: the progress line of a terminal, or a whole screen.

use authtrace_analyze::facts::Fact;

use crate::{output::complain, progress::Progress};

/// Who is told how loading goes.
pub(crate) trait Watch {
    /// One more exchange of the input `path`.
    fn tick(&mut self, path: &str);
    /// An input gave nothing.
    fn complain(&mut self, message: &str);
    /// Reading is over.
    fn done(&mut self) {}
    /// Who wants to see each fact when it is drawn, before anything is judged.
    fn arrivals(&self) -> Option<Arrivals> {
        None
    }
}

/// Takes a look at each fact as it is drawn.
pub(crate) type Arrivals = Box<dyn FnMut(&Fact) + Send>;

impl Watch for Progress {
    fn tick(&mut self, path: &str) {
        Progress::tick(self, path);
    }

    fn complain(&mut self, message: &str) {
        self.clear();
        complain(message);
    }

    fn done(&mut self) {
        self.clear();
    }
}
