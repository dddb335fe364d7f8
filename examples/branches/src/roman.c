#include "roman.h"

#include <string.h>

#include "table.h"

int roman_from_number(int number, char text[16]) {
    if (number < 1 || number > 3999) {
        return -1;
    }
    text[0] = '\0';
    for (int i = 0; i < TABLE_SIZE; ++i) {
        while (number >= table[i].value) {
            strcat(text, table[i].letters);
            number -= table[i].value;
        }
    }
    return 0;
}

int number_from_roman(const char *text) {
    int number = 0;
    const char *rest = text;
    for (int i = 0; i < TABLE_SIZE; ++i) {
        const size_t length = strlen(table[i].letters);
        while (strncmp(rest, table[i].letters, length) == 0) {
            number += table[i].value;
            rest += length;
        }
    }
    /* IIII and VIV read like numbers, but nobody writes them. */
    char back[16];
    if (*rest != '\0' || roman_from_number(number, back) != 0 || strcmp(back, text) != 0) {
        return -1;
    }
    return number;
}
