#include "base/interrupt.h"

namespace tinyllm {
namespace {

volatile std::sig_atomic_t interrupt_count = 0;  // a signal handler can reach nothing else

extern "C" void count_interrupt(int) { interrupt_count = interrupt_count + 1; }

}  // namespace

InterruptFlag::InterruptFlag() {
  interrupt_count = 0;
  struct sigaction action {};
  action.sa_handler = count_interrupt;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &previous_);
}

InterruptFlag::~InterruptFlag() { sigaction(SIGINT, &previous_, nullptr); }

bool InterruptFlag::raised() const { return interrupt_count > 0; }

}  // namespace tinyllm
