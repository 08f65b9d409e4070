# The statistics of variance_check.py on the real files of 1999-2000, by three variances of R's survey package.
#
#   Rscript variance_reference.R RAW_DIR OUT_DIR
#
# RAW_DIR holds 1999/<TABLE>.xpt. People, outcomes and covariates are those of nhanes_reference.R; the replicate weights
# WTMREP01-52 are read here, and nothing of the Python code is used. An invented survey has no such weights.
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, foreign 0.8.84, on 2026-11-23.
#
# What the designs are:
#   taylor     svydesign on the masked pseudo-PSUs and pseudo-strata
#   jackknife  as.svrepdesign(type = "JKn") of it
#   nchs       svrepdesign(type = "JK1", combined.weights = TRUE) on WTMREP01-52, with scale (52 - 1)/52
# Deviations of replicates are from the full sample's estimate (mse = TRUE). The median and its limits are svyquantile's
# with its defaults; on replicates too they are Woodruff's.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "nhanes_reference.R"))

CYCLE <- 1999
INTAKES <- c(100, 500)
EXPOSURE <- "magnesium_mg"

replicate_weights <- function(raw, people) {
  frame <- foreign::read.xport(file.path(raw, CYCLE, "DEMO.xpt"))
  weights <- as.matrix(frame[match(people$SEQN, frame$SEQN), sprintf("WTMREP%02d", 1:52)])
  stopifnot(!is.na(weights), rowSums(weights == 0)[people$mec_2yr > 0] == 1)
  weights
}

designs <- function(people, repweights) {
  taylor <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~mec_2yr, data = people)
  nchs <- svrepdesign(data = people, weights = ~mec_2yr, repweights = repweights, combined.weights = TRUE, type = "JK1",
                      scale = 51 / 52, rscales = rep(1, 52), mse = TRUE)
  list(taylor = taylor, jackknife = as.svrepdesign(taylor, type = "JKn", mse = TRUE), nchs = nchs)
}

row_of <- function(term, n, estimate, std_error, df, half = half_width(std_error, df)) {
  data.frame(term, n, estimate, std_error, df, conf_low = estimate - half, conf_high = estimate + half)
}

mean_row <- function(term, formula, domain) {
  found <- svymean(formula, domain)
  row_of(term, nrow(domain), coef(found)[[1]], SE(found)[[1]], degf(domain))
}

median_row <- function(term, formula, domain) {
  found <- svyquantile(formula, domain, 0.5)[[1]]
  data.frame(term, n = nrow(domain), estimate = found[1, 1], std_error = found[1, 4], df = degf(domain),
             conf_low = found[1, 2], conf_high = found[1, 3])
}

# Replicates are all fitted to CONVERGED; the linearised fit must be settled, which fit_domain sees to (common.R).
fit_by <- function(variance, domain, terms) {
  if (variance == "taylor") return(fit_domain(domain, "y", terms))
  svyglm(reformulate(terms, "y"), design = domain, family = quasibinomial(), control = CONVERGED)
}

regression_rows <- function(fit, knots, reference) {
  contrast <- sweep(spline_columns(INTAKES, knots, EXPOSURE), 2, spline_columns(reference, knots, EXPOSURE))
  terms <- colnames(contrast)
  curved <- diag(length(terms))[-1, , drop = FALSE]
  labels <- c(sprintf("magnesium_%g_mg", INTAKES), terms[-1])
  matrix <- rbind(contrast, curved)
  estimate <- drop(matrix %*% coef(fit)[terms])
  std_error <- sqrt(rowSums((matrix %*% vcov(fit)[terms, terms]) * matrix))
  row_of(labels, sum(fit$prior.weights > 0), estimate, std_error, fit$df.residual)
}

variance_tables <- function(variance, design, cohort, terms, knots, reference) {
  gregg <- design$variables$gregg
  told <- gregg & is_code(design$variables$told_diabetes, 1)
  domain <- design[cohort, ]
  fit <- fit_by(variance, domain, terms)
  test <- regTermTest(fit, reformulate(colnames(spline_columns(1, knots, EXPOSURE))[-1]), method = "Wald")
  rows <- rbind(mean_row("neuropathy_all", ~lenient_percent, design[gregg, ]),
                mean_row("neuropathy_diagnosed", ~lenient_percent, design[told, ]),
                mean_row("magnesium_mean", ~magnesium_mg, domain),
                median_row("magnesium_median", ~magnesium_mg, domain),
                regression_rows(fit, knots, reference))
  list(variance = data.frame(variance, rows),
       variance_tests = data.frame(variance, statistic = test$Ftest[[1]], df_num = test$df, df_den = test$ddf,
                                   p_value = test$p[[1]]))
}

main_variance <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript variance_reference.R RAW_DIR OUT_DIR")
  people <- add_covariates(add_outcomes(read_cycle(arguments[1], CYCLE)))
  people$mec_2yr[is.na(people$mec_2yr)] <- 0
  people$lenient_percent <- 100 * people$lenient
  people$gregg <- at_least(people$age_years, 40) & is_code(people$examination, 2) & !is.na(people$lenient)
  people$y <- people$strict
  cohort <- in_cohort(people, "strict", CYCLE, "") & complete.cases(people[MODEL_1])
  x <- people[[EXPOSURE]]
  knots <- type_7(x[cohort], KNOT_PROBABILITIES[["4"]])
  spline <- spline_columns(x, knots, EXPOSURE)
  people <- cbind(people, spline[, -1])
  made <- designs(people, replicate_weights(arguments[1], people))
  results <- Map(variance_tables, names(made), made,
                 MoreArgs = list(cohort = cohort, terms = c(colnames(spline), MODEL_1), knots = knots,
                                 reference = type_7(x[cohort], 0.5)))
  write_tables(unname(results), arguments[2])
}

if (sys.nframe() == 0L) main_variance(commandArgs(TRUE))
