#pragma once

#include <string_view>

namespace mstage::engine {

/// Throws UsageError when there is a user's name or password in HOST/NAME[:TAG][@DIGEST]: a
/// reference ends up in plans, command lines and logs. The message does not repeat it.
void refuse_credentials(std::string_view reference);

/// Throws UsageError unless a new image can be called [HOST/]NAME[:TAG]: NAME in lower case letters,
/// digits and separators, one valid TAG or none, and no digest.
void check_new_reference(std::string_view reference);

/// Whether the registry is on this machine and so, as docker has it, needs no TLS.
bool is_on_loopback(std::string_view reference);

}  // namespace mstage::engine
