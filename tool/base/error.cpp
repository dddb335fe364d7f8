#include "base/error.hpp"

#include <system_error>

namespace mstage {

std::string SysError::describe(int number) {
    return std::generic_category().message(number);
}

}  // namespace mstage
