//! Nobody outside the engine can make an `Admitted` from an `Authenticated`.

use locum_engine::delegation::{Admitted, Authenticated};

fn forge(authenticated: Authenticated) -> Admitted {
    Admitted { authenticated }
}

fn main() {}
