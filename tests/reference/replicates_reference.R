# Statistics and svyglm on replicate designs of the small invented sample of design_reference.R.
#
#   Rscript replicates_reference.R DESIGN_INPUT_CSV OUT_DIR
#
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, jsonlite 1.8.4, on 2026-11-23. Input: make_design_input.py.
#
# What the designs are (type of as.svrepdesign or svrepdesign):
#   jkn, jk1        jackknife; jk1 forgets the strata and keeps the PSUs
#   brr, fay        balanced half-samples of the first two PSUs of every stratum; fay has rho = 0.3. With 6 strata
#                   hadamard(6) is Sylvester's matrix of order 8
#   bootstrap       40 draws of subbootweights (Rao & Wu), whose factors are written too: they are random
#   provided_jk1    combined weights that vary within a PSU: those of jk1, each replicate scaled so that its two groups,
#   provided_other  in_part or not, keep the full sample's weight; and those of jkn, with a scale and rscales made up,
#                   one of them zero, which leaves its replicate out of the mean
# part is the domain in_part, part_less_psu another with nobody in one PSU. The df of a replicate design is the rank of
# its weights minus 1, those of the domain's rows in a domain.
#
# Covariances are centred at the mean of the replicates (survey.replicates.mse is FALSE by default) or at the full
# sample's estimate (mse = TRUE). Every replicate is fitted to epsilon = 1e-13; R's default of 1e-8 would leave its
# coefficients right to four digits fewer.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "common.R"))

DOMAINS <- c(full = "everybody", part = "in_part", part_less_psu = "in_part_less_psu")
FAY_RHO <- 0.3
DRAWS <- 40
PROVIDED_SCALE <- 0.8

combined <- function(replicated, group) {
  weights <- weights(replicated, "analysis")
  for (level in unique(group)) {
    rows <- group == level
    weights[rows, ] <- sweep(weights[rows, ], 2, sum(replicated$pweights[rows]) / colSums(weights[rows, ]), "*")
  }
  weights
}

replicate_designs <- function(frame, mse) {
  stratified <- function(rows) svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~w, data = frame[rows, ])
  whole <- stratified(TRUE)
  paired <- stratified(frame$psu <= 2)
  unstratified <- svydesign(ids = ~cluster, weights = ~w, data = frame)
  jkn <- as.svrepdesign(whole, type = "JKn", mse = mse)
  jk1 <- as.svrepdesign(unstratified, type = "JK1", mse = mse)
  set.seed(1)
  bootstrap <- as.svrepdesign(whole, type = "subbootstrap", replicates = DRAWS, mse = mse)
  rscales <- c(0, jkn$rscales[-1]) * seq(0.5, 1.5, length.out = length(jkn$rscales))
  provide <- function(from, ...) {
    svrepdesign(data = frame, weights = ~w, repweights = combined(from, frame$in_part), combined.weights = TRUE,
                mse = mse, ...)
  }
  list(jkn = jkn, jk1 = jk1, brr = as.svrepdesign(paired, type = "BRR", mse = mse),
       fay = as.svrepdesign(paired, type = "Fay", fay.rho = FAY_RHO, mse = mse), bootstrap = bootstrap,
       provided_jk1 = provide(jk1, type = "JK1", scale = jk1$scale, rscales = jk1$rscales),
       provided_other = provide(jkn, type = "other", scale = PROVIDED_SCALE, rscales = rscales))
}

domain_of <- function(design, domain) design[design$variables[[DOMAINS[[domain]]]] == 1, ]

# ---- tables --------------------------------------------------------------------------------------------------------

statistic_rows <- function(kind, domain, centre, design) {
  rows <- function(statistic, variable, found) {
    data.frame(kind, domain, centre, statistic, variable, estimate = unname(coef(found)),
               std_error = as.vector(SE(found)))
  }
  rbind(rows("mean", c("y", "z"), svymean(~y + z, design)), rows("total", c("y", "z"), svytotal(~y + z, design)),
        rows("ratio", "y/z", svyratio(~y, ~z, design)))
}

fit_tables <- function(kind, domain, design, terms) {
  formula <- as.formula(paste("y ~", paste(terms, collapse = " + ")))
  fit <- suppressWarnings(svyglm(formula, design = design, family = quasibinomial(), control = CONVERGED))
  names <- c("intercept", terms)
  vcov <- unname(vcov(fit))
  lower <- which(lower.tri(vcov, diag = TRUE), arr.ind = TRUE)
  list(fits = data.frame(kind, domain, term = names, estimate = unname(coef(fit)), std_error = sqrt(diag(vcov)),
                         df = fit$df.residual),
       vcov = data.frame(kind, domain, row = names[lower[, 1]], col = names[lower[, 2]], value = vcov[lower]))
}

design_tables <- function(kind, domain, centred, about, terms) {
  design <- domain_of(centred[[kind]], domain)
  tables <- fit_tables(kind, domain, design, terms)
  tables$designs <- data.frame(kind, domain, replicates = ncol(design$repweights), scale = design$scale,
                               df = degf(design))
  tables$statistics <- rbind(statistic_rows(kind, domain, "mean", design),
                             statistic_rows(kind, domain, "estimate", domain_of(about[[kind]], domain)))
  if (domain == "full") {
    tables$rscales <- data.frame(kind, replicate = seq_along(design$rscales), rscale = design$rscales)
  }
  tables
}

# Factors of the PSUs in the order of their strata.
factor_rows <- function(kind, design) {
  factors <- unclass(design$repweights)$weights
  data.frame(kind, psu = as.vector(row(factors)), replicate = as.vector(col(factors)), factor = as.vector(factors))
}

main <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript replicates_reference.R DESIGN_INPUT_CSV OUT_DIR")
  people <- read.csv(arguments[1])
  people$everybody <- 1
  people$cluster <- 10 * people$strata + people$psu
  knots <- unname(quantile(people$x, c(0.05, 0.35, 0.65, 0.95), type = 7))
  spline <- spline_columns(people$x, knots, "x")
  frame <- data.frame(people, spline[, -1])
  terms <- c(colnames(spline), "z")
  centred <- replicate_designs(frame, FALSE)
  about <- replicate_designs(frame, TRUE)
  studies <- expand.grid(domain = names(DOMAINS), kind = names(centred), stringsAsFactors = FALSE)
  results <- Map(design_tables, studies$kind, studies$domain,
                 MoreArgs = list(centred = centred, about = about, terms = terms))
  write_tables(unname(results), arguments[2])
  random_or_chosen <- c("brr", "fay", "bootstrap")
  write_table(do.call(rbind, Map(factor_rows, random_or_chosen, centred[random_or_chosen])), arguments[2], "factors")
  write_versions(arguments[2], c("survey"))
}

if (sys.nframe() == 0L) main(commandArgs(TRUE))
