#include "markdown.h"

#include <cstdio>
#include <map>
#include <sstream>

#include "data.h"
#include "latencast/error.h"

namespace latencast {

std::string number(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  std::string shown = text;
  const std::size_t zero = shown.find("0.");
  if (zero == 0 || (zero == 1 && shown[0] == '-')) shown.erase(zero, 1);
  return shown;
}

std::string number_with_spread(double value, double spread) { return number(value) + " ± " + number(spread); }

std::string markdown(const Cells& header, const std::vector<Cells>& rows) {
  std::string text;
  const auto line = [&](const Cells& cells) {
    text += "|";
    for (const auto& cell : cells) text += " " + cell + " |";
    text += "\n";
  };
  line(header);
  line(Cells(header.size(), "---"));
  for (const Cells& row : rows) line(row);
  return text;
}

std::string with_tables(
    const std::string& text,
    const std::function<std::string(const std::string& name, const std::string& present)>& table) {
  const std::string open = "<!-- table: ", close = " -->", end = "<!-- end -->";
  std::istringstream lines(text);
  std::string out, line;
  while (std::getline(lines, line)) {
    out += line + "\n";
    if (line.rfind(open, 0) != 0 || line.size() < open.size() + close.size()) continue;
    const std::string name = line.substr(open.size(), line.size() - open.size() - close.size());
    std::string present;
    for (;;) {
      if (!std::getline(lines, line))
        throw Error(ErrorCode::argument,
                    "table \"" + name + "\": found no line " + end + " after its marker");
      if (line == end) break;
      if (!line.empty() || !present.empty()) present += line + "\n";
    }
    while (present.size() > 1 && present[present.size() - 2] == '\n') present.pop_back();
    out += "\n" + table(name, present) + "\n" + end + "\n";
  }
  return out;
}

void write_tables(const std::string& document, const std::vector<std::string>& names,
                  const std::function<std::string(const std::string& name)>& table) {
  std::map<std::string, std::string> made;
  for (const std::string& name : names) made[name] = table(name);
  if (document.empty()) {
    for (const auto& [name, text] : made) std::printf("%s\n\n%s\n", name.c_str(), text.c_str());
    return;
  }
  write_file(document,
             with_tables(read_file(document), [&](const std::string& name, const std::string& present) {
               return made.count(name) ? made[name] : present;
             }));
}

}  // namespace latencast
