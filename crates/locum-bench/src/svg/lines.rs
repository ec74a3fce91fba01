//! Lines between points.

use crate::svg::axis::{Axis, Scale, written};
use crate::svg::{Anchor, Drawing, WIDTH, colour};

pub(crate) struct Lines {
    pub(crate) title: String,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    pub(crate) x_scale: Scale,
    pub(crate) y_scale: Scale,
    pub(crate) series: Vec<Series>,
}

pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

const HEIGHT: f64 = 380.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 70.0;
const BOTTOM: f64 = 330.0;
const GRID: &str = "#dddddd";
/// Width of a name in the legend.
const LEGEND: f64 = 160.0;

impl Lines {
    pub(crate) fn svg(&self) -> String {
        let mut drawing = Drawing::new(HEIGHT, &self.title);
        let points = || self.series.iter().flat_map(|series| series.points.iter());
        let x_axis = Axis::new(self.x_scale, points().map(|(x, _)| *x), (LEFT, RIGHT));
        let y_axis = Axis::new(self.y_scale, points().map(|(_, y)| *y), (BOTTOM, TOP));
        for tick in x_axis.ticks() {
            let x = x_axis.position(tick);
            drawing.line((x, TOP), (x, BOTTOM), GRID);
            drawing.text(x, BOTTOM + 16.0, Anchor::Middle, &written(tick), "");
        }
        for tick in y_axis.ticks() {
            let y = y_axis.position(tick);
            drawing.line((LEFT, y), (RIGHT, y), GRID);
            drawing.text(LEFT - 6.0, y + 4.0, Anchor::End, &written(tick), "");
        }
        drawing.text(WIDTH / 2.0, HEIGHT - 12.0, Anchor::Middle, &self.x_label, "");
        drawing.text(10.0, TOP - 10.0, Anchor::Start, &self.y_label, "");
        for (number, series) in self.series.iter().enumerate() {
            let at = |(x, y): &(f64, f64)| {
                (x_axis.shows(*x) && y_axis.shows(*y)).then(|| (x_axis.position(*x), y_axis.position(*y)))
            };
            let drawn: Vec<(f64, f64)> = series.points.iter().filter_map(at).collect();
            // Behind the first, which is the floor's where there is one.
            draw(&mut drawing, &drawn, colour(number + 1));
            let x = LEFT + number as f64 * LEGEND;
            drawing.rectangle((x, TOP - 26.0), (12.0, 12.0), colour(number + 1));
            drawing.text(x + 17.0, TOP - 16.0, Anchor::Start, &series.name, "");
        }
        drawing.finish()
    }
}

fn draw(drawing: &mut Drawing, points: &[(f64, f64)], colour: &str) {
    let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    drawing.add(format_args!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
        path.join(" ")
    ));
    for (x, y) in points {
        drawing.add(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"));
    }
}
