//! Who is calling, and how suspicious they are.
