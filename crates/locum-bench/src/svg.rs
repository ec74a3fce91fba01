//! Charts as SVG: bars and lines, with text that any viewer has.

mod axis;
mod bars;
mod lines;

pub(crate) use axis::Scale;
pub(crate) use bars::{Bars, Group};
pub(crate) use lines::{Lines, Series};

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
/// Readable on white by people who see few colours (Okabe and Ito).
const COLOURS: [&str; 6] = ["#999999", "#009e73", "#0072b2", "#e69f00", "#d55e00", "#cc79a7"];

/// The colour of the nth series.
fn colour(number: usize) -> &'static str {
    COLOURS.get(number % COLOURS.len()).copied().unwrap_or("#000000")
}

/// A drawing of a given height, in the order in which it is drawn.
struct Drawing {
    height: f64,
    elements: String,
}

/// Where a text stands from its point.
#[derive(Clone, Copy)]
enum Anchor {
    Start,
    Middle,
    End,
}

impl Drawing {
    fn new(height: f64, title: &str) -> Self {
        let mut drawing = Self { height, elements: String::new() };
        drawing.text(WIDTH / 2.0, 22.0, Anchor::Middle, title, "font-weight=\"bold\" font-size=\"15\"");
        drawing
    }

    fn text(&mut self, x: f64, y: f64, anchor: Anchor, text: &str, style: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {style}>{text}</text>"
        ));
    }

    fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), stroke: &str) {
        self.add(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{stroke}\"/>"
        ));
    }

    fn rectangle(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
        self.add(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>"
        ));
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing into a string cannot fail.
        let _ = writeln!(self.elements, "{element}");
    }

    fn finish(self) -> String {
        let Self { height, elements } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{elements}</svg>\n"
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;

    /// How many elements of each name a document has; it must be well-formed.
    fn elements(svg: &str) -> std::collections::BTreeMap<String, usize> {
        let mut reader = Reader::from_str(svg);
        reader.config_mut().check_end_names = true;
        let (mut elements, mut depth) = (std::collections::BTreeMap::new(), 0_i32);
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => break,
                Event::Start(element) | Event::Empty(element) => {
                    element.attributes().for_each(|attribute| drop(attribute.unwrap()));
                    let name = element.name().as_ref().to_owned();
                    *elements.entry(name).or_default() += 1;
                }
                _ => {}
            }
        }
        for part in svg.split('<').skip(1) {
            depth += i32::from(!part.starts_with('/')) - i32::from(part.starts_with('/'));
            depth -= i32::from(part.split('>').next().unwrap().ends_with('/'));
        }
        assert_eq!(depth, 0, "every element ends");
        elements
    }

    fn lines(points: &[(f64, f64)]) -> Lines {
        Lines {
            title: "p99 < limit & more".to_owned(),
            x_label: "load".to_owned(),
            y_label: "ms".to_owned(),
            x_scale: Scale::Linear,
            y_scale: Scale::Logarithmic,
            series: vec![Series { name: "a<b>".to_owned(), points: points.to_vec() }],
        }
    }

    #[test]
    fn a_chart_of_lines_is_well_formed_and_has_a_mark_for_each_point() {
        let elements = elements(&lines(&[(0.2, 0.1), (0.8, 0.5), (1.5, 40.0)]).svg());
        assert_eq!((elements["svg"], elements["polyline"], elements["circle"]), (1, 1, 3));
    }

    #[test]
    fn a_figure_that_a_scale_cannot_show_is_left_out() {
        let elements = elements(&lines(&[(0.2, 0.0), (0.8, f64::NAN), (1.5, 40.0)]).svg());
        assert_eq!(elements["circle"], 1);
    }

    #[test]
    fn a_chart_of_bars_is_well_formed_and_has_a_bar_for_each_figure() {
        let bars = vec![("floor".to_owned(), 9.8), ("a & b".to_owned(), 125.0)];
        let group = |name: &str| Group { name: name.to_owned(), bars: bars.clone() };
        let chart = Bars { title: "CPU".to_owned(), groups: vec![group("HS256→HS256"), group("RS256")] };
        // The background is one more.
        assert_eq!(elements(&chart.svg())["rect"], 4 + 1);
    }

    #[test]
    fn bars_are_as_long_as_their_figures() {
        let bars = vec![("half".to_owned(), 50.0), ("whole".to_owned(), 100.0)];
        let chart = Bars { title: String::new(), groups: vec![Group { name: String::new(), bars }] };
        let widths: Vec<f64> = chart
            .svg()
            .lines()
            .filter(|line| line.starts_with("<rect x"))
            .map(|line| line.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect();
        assert!((widths[0] * 2.0 - widths[1]).abs() < 0.2, "{widths:?}");
    }
}
