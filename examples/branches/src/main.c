#include <stdio.h>
#include <stdlib.h>

#include "roman.h"

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: roman NUMBER|NUMERAL\n");
        return 2;
    }
    char text[16];
    const int number = atoi(argv[1]);
    if (number != 0 && roman_from_number(number, text) == 0) {
        puts(text);
        return 0;
    }
    const int value = number_from_roman(argv[1]);
    if (value < 0) {
        fprintf(stderr, "roman: '%s' is neither a number from 1 to 3999 nor a Roman numeral\n", argv[1]);
        return 1;
    }
    printf("%d\n", value);
    return 0;
}
