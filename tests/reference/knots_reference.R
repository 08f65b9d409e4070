# Where Hmisc places the knots of invented samples, heaped and small ones among them.
#
#   Rscript knots_reference.R OUT_DIR
#
# Made with R 4.2.2, Hmisc 4.8.0. Samples are written as values and how often each is there; a sample and number of
# knots without rows in knots.csv is one that rcspline.eval refuses.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "common.R"))

ASKED <- 3:6

skewed <- function(n, seed, digits = 1) {
  set.seed(seed)
  round(rexp(n, 1 / 50), digits) + 1
}

counted <- function(...) {
  pairs <- matrix(c(...), nrow = 2)
  rep(pairs[1, ], pairs[2, ])
}

SAMPLES <- list(
  large = skewed(300, 1),
  many_at_the_lowest = c(rep(0, 100), skewed(300, 2)),
  most_at_the_lowest = c(rep(0, 700), skewed(300, 3)),
  many_at_the_highest = c(skewed(300, 4), rep(5000, 100)),
  many_at_both_ends = c(rep(0, 60), skewed(300, 5), rep(5000, 100)),
  many_between = c(rep(0, 60), skewed(300, 6), rep(50, 100)),
  next_value_tied = c(rep(0, 100), rep(0.5, 12), skewed(300, 7)),
  a_twentieth = c(rep(0, 20), skewed(380, 8)),
  below_a_twentieth = c(rep(0, 19), skewed(381, 9)),
  small_and_many_at_the_lowest = c(rep(0, 15), skewed(60, 10)),
  small_and_many_at_the_highest = c(skewed(60, 11), rep(900, 15)),
  small_and_many_at_both_ends = c(rep(0, 15), skewed(60, 12), rep(900, 15)),
  a_hundred_beyond = c(rep(0, 30), skewed(101, 13)),
  below_a_hundred_beyond = c(rep(0, 30), skewed(100, 14)),
  few_beyond = c(rep(0, 25), 3, 5, 8, 13, 21),
  five_values = counted(0, 300, 11, 9, 24, 9, 39, 9, 56, 9),
  eight_values = counted(0, 300, 11, 9, 24, 9, 39, 9, 56, 9, 75, 9, 96, 9, 119, 9),
  two_values = counted(0, 300, 11, 9),
  coinciding = counted(1, 600, 2, 230, 3, 90, 4, 49, 5, 15, 6, 9, 7, 7),
  coinciding_and_small = counted(0, 5, 1, 47, 2, 28, 3, 11, 4, 6, 5, 2),
  coinciding_for_good = counted(4, 75, 8, 12, 10, 4, 13, 4, 16, 1, 18, 2, 30, 1),
  heaped_by_chance = counted(16, 2, 25, 1, 29, 2, 33, 2, 40, 3, 44, 1, 48, 5, 51, 8, 54, 11, 56, 64)
)
for (n in c(5:12, 20, 40, 99, 100)) SAMPLES[[paste0("of_", n)]] <- skewed(n, n)

value_rows <- function(name) {
  counts <- table(SAMPLES[[name]])
  data.frame(sample = name, value = as.numeric(names(counts)), count = as.vector(counts))
}

# Hmisc warns of fewer knots than asked for, and prints a table before it stops.
knot_rows <- function(name, asked) {
  knots <- NULL
  capture.output(knots <- suppressWarnings(tryCatch(
    rcspline.eval(SAMPLES[[name]], nk = asked, knots.only = TRUE), error = function(refused) NULL)))
  if (is.null(knots)) return(NULL)
  data.frame(sample = name, asked, index = seq_along(knots), knot = as.numeric(knots))
}

main <- function(arguments) {
  if (length(arguments) != 1) stop("usage: Rscript knots_reference.R OUT_DIR")
  folder <- arguments[1]
  write_table(do.call(rbind, lapply(names(SAMPLES), value_rows)), folder, "samples")
  every <- expand.grid(asked = ASKED, name = names(SAMPLES), stringsAsFactors = FALSE)
  write_table(do.call(rbind, Map(knot_rows, every$name, every$asked)), folder, "knots")
  write_versions(folder, "Hmisc")
}

if (sys.nframe() == 0L) main(commandArgs(TRUE))
