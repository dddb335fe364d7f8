#include "archive/member_path.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

namespace mstage::archive {

MemberPath MemberPath::parse(std::string_view name) {
    MemberPath path;
    path.m_path.reserve(name.size());
    while (!name.empty()) {
        const size_t end = name.find('/');
        const std::string_view component = name.substr(0, end);
        name.remove_prefix(end == std::string_view::npos ? name.size() : end + 1);
        if (component.empty() || component == ".") {
            continue;
        }
        if (component == "..") {
            throw Error("the name leads out of a directory by '..'");
        }
        if (!path.m_path.empty()) {
            path.m_path += '/';
        }
        path.m_path += component;
    }
    return path;
}

std::string_view MemberPath::parent() const {
    const size_t slash = m_path.rfind('/');
    return slash == std::string::npos ? std::string_view()
                                      : std::string_view(m_path).substr(0, slash);
}

std::string MemberPath::leaf() const {
    const size_t slash = m_path.rfind('/');
    return slash == std::string::npos ? m_path : m_path.substr(slash + 1);
}

std::string printable(std::string_view name) {
    std::string line;
    for (const char c : escape_control(name)) {
        // These two pass in texts, but would make two lines or columns of one name.
        line += c == '\n' ? "\\x0a" : c == '\t' ? "\\x09" : std::string(1, c);
    }
    return line;
}

}  // namespace mstage::archive
