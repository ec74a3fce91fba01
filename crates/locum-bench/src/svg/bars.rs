//! Groups of horizontal bars, with their figures.

use crate::svg::axis::{Axis, Scale, written};
use crate::svg::{Anchor, Drawing, WIDTH, colour};

pub(crate) struct Bars {
    pub(crate) title: String,
    pub(crate) groups: Vec<Group>,
}

pub(crate) struct Group {
    pub(crate) name: String,
    /// Names and figures. Bars at the same place in their groups have the same colour.
    pub(crate) bars: Vec<(String, f64)>,
}

const TOP: f64 = 40.0;
const BAR: f64 = 16.0;
const BAR_GAP: f64 = 4.0;
const GROUP_HEAD: f64 = 24.0;
const LEFT: f64 = 120.0;
/// Room for the figures behind the bars.
const RIGHT: f64 = 70.0;

impl Bars {
    pub(crate) fn svg(&self) -> String {
        let bars: usize = self.groups.iter().map(|group| group.bars.len()).sum();
        let height = TOP + self.groups.len() as f64 * GROUP_HEAD + bars as f64 * (BAR + BAR_GAP) + 20.0;
        let mut drawing = Drawing::new(height, &self.title);
        let figures = self.groups.iter().flat_map(|group| group.bars.iter().map(|(_, figure)| *figure));
        let axis = Axis::new(Scale::Linear, figures, (LEFT, WIDTH - RIGHT));
        let mut y = TOP;
        for group in &self.groups {
            drawing.text(10.0, y + 15.0, Anchor::Start, &group.name, "font-weight=\"bold\"");
            y += GROUP_HEAD;
            for (number, (name, figure)) in group.bars.iter().enumerate() {
                let end = axis.position(*figure);
                drawing.text(LEFT - 6.0, y + 12.0, Anchor::End, name, "");
                drawing.rectangle((LEFT, y), (end - LEFT, BAR), colour(number));
                drawing.text(end + 5.0, y + 12.0, Anchor::Start, &written(*figure), "");
                y += BAR + BAR_GAP;
            }
        }
        drawing.finish()
    }
}
