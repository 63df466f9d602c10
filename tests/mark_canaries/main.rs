//! Canary cells: the choices to the bit, and what they tell of a text that was copied, learned or forged.

mod choices;
mod copies;
mod files;
mod null;
mod readings;
mod texts;
