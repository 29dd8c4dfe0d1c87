// Markdown tables, and documents with places for them.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace latencast {

using Cells = std::vector<std::string>;

std::string markdown(const Cells& header, const std::vector<Cells>& rows);

/// .962, or -.012
std::string number(double value, int digits = 3);

/// .962 ± .004
std::string number_with_spread(double value, double spread);

/// The text with everything between each pair of lines `<!-- table: NAME -->` and `<!-- end -->` replaced by
/// table(NAME, what is there now), a Markdown table. Throws `argument` where a marker has no end.
std::string with_tables(
    const std::string& text,
    const std::function<std::string(const std::string& name, const std::string& present)>& table);

/// Makes tables and puts them where a document has them; tables of others stay. document: a path; empty:
/// printed.
void write_tables(const std::string& document, const std::vector<std::string>& names,
                  const std::function<std::string(const std::string& name)>& table);

}  // namespace latencast
