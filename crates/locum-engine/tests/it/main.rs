//! The engine from outside: the order of its steps, and what each refuses.

mod order;
