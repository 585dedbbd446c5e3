#pragma once
// A check of a number option with our kind of message: "--top-p: is 1.5, must be in [0, 1]".

namespace CLI {
class Validator;
}

namespace tinyllm {

// Bounds are included. Whole numbers that the option wants are CLI11's own concern.
CLI::Validator number_in(double low, double high);

}  // namespace tinyllm
